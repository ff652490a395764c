// Before the first paint: the theme that was chosen here, if any. Without one the system decides.
try {
  const theme = localStorage.getItem('donewell.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is closed: the system decides.
}
