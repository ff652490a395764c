// Whether the page is as narrow as a phone: the style sheets draw the line at the same width.
import { signal } from '@preact/signals';

const query = matchMedia('(max-width: 46rem)');
export const isNarrow = signal(query.matches);
query.addEventListener('change', () => {
  isNarrow.value = query.matches;
});
