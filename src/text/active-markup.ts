// The decision which HTML tags are active: which run, load, navigate, or open a door to one that does.

import type { Tag } from './html-tags.ts';

const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** Taken out together with their contents, when they have an end tag. */
export const WITH_CONTENTS = words('script style');

/** Active however bare: they run, frame, style the page, or switch the parser to other rules or namespaces. */
const ALWAYS = words('script style iframe svg math xmp plaintext noscript noembed noframes');

/**
 * Elements that do something only with an attribute that reaches out. Bare and without an end tag they are far
 * more often a type argument (`Option<Title>`, `List<Picture>`) than markup, and do nothing in a page either way.
 */
const WITH_ATTRIBUTE_OR_END = words(`
  picture video audio textarea title template marquee frameset portal fencedframe webview controlledframe applet`);

/** Elements with which any value at all may load or redirect (`http-equiv`, `type`, `classid`, `target` …). */
const ANY_VALUE = words('meta base embed object frame param applet');

/** Those a page's scripts can find as `document.name`, even where that hides what the document has itself. */
const NAMED = words('form img image');

/**
 * The elements of HTML, past and present, on which the attributes below may act, and those of SVG that have a
 * link or set one. Of the names of one letter only `a`: `b`, `i`, `p` … do nothing with them, and stand in prose.
 */
const ELEMENTS = words(`
  a abbr acronym address animate animatemotion animatetransform applet area article aside audio base
  basefont bdi bdo bgsound big blink blockquote body br button canvas caption center cite code col colgroup
  command content controlledframe data datalist dd del details dfn dialog dir div dl dt element em embed
  feimage fencedframe fieldset figcaption figure font footer form frame frameset geolocation h1 h2 h3 h4 h5
  h6 head header hgroup hr html iframe ilayer image img input ins install isindex kbd keygen label layer
  legend li link listing main map mark marquee menu menuitem meta meter model mpath multicol nav nextid nobr
  noembed noframes noscript object ol optgroup option output param permission picture plaintext portal pre
  progress rb rp rt rtc ruby samp script search section select selectedcontent set shadow slot small source
  spacer span strike strong style sub summary sup svg table tbody td template textarea textpath tfoot th
  thead time title tr track tt ul use usermedia var video wbr webview xml xmp`);

/** Attributes with which such an element loads, navigates, submits, or operates another element of the page. */
const REACHING = words(`
  src srcset href xlink:href xml:base action formaction srcdoc data background poster ping manifest codebase code
  classid archive longdesc lowsrc dynsrc imagesrcset attributionsrc icon profile form for command commandfor
  popovertarget popovertargetaction interestfor interesttarget shadowroot shadowrootmode attributename`);

/** English that begins like an event handler: `if a<b and only=1 or c>d`. */
const NO_HANDLER = words('one ones once only onto online ongoing onward onwards');

// The effects of an attribute are bits, because a tag's are or-ed together.
const RUNS = 1;
const REACHES = 2;
const IS_EMPTY_LINK = 4;
const HAS_VALUE = 8;
const CLOBBERS = 16;

/** What an attribute can do, by its name and by whether it has a value: without one it is only a word. */
export function attributeEffect(name: string, hasValue: boolean): number {
  // An empty `href`, alone, is a link: to the page itself.
  if (!hasValue) return name === 'href' ? IS_EMPTY_LINK : 0;
  if (name === 'style' || name === 'is' || (/^on[a-z]/.test(name) && !NO_HANDLER.has(name)))
    return RUNS | HAS_VALUE;
  if (REACHING.has(name)) return REACHES | HAS_VALUE;
  return name === 'name' || name === 'id' ? CLOBBERS | HAS_VALUE : HAS_VALUE;
}

/** True for names that are HTML's or could be a custom element's: for other names only global attributes act. */
export function isElementName(name: string): boolean {
  return ELEMENTS.has(name) || /^[a-z][\w.\u00b7-\uffff]*-[\w.\u00b7-\uffff-]*$/.test(name);
}

/** Elements that can send a form: with the key Enter, a single line of input can, too. */
const SUBMITTERS = words('button input');

export function canSubmit(name: string): boolean {
  return SUBMITTERS.has(name);
}

/** True where an end tag changes what is made of the start tag before it. */
export function endMatters(name: string): boolean {
  return WITH_CONTENTS.has(name) || WITH_ATTRIBUTE_OR_END.has(name);
}

/** What the text to the right of a tag adds to the decision about it. */
export interface Surroundings {
  /** A control that can submit a form follows: `<form>` and `<button>` each do nothing, together they navigate. */
  readonly submits: () => boolean;
  readonly hasEnd: (name: string) => boolean;
}

export function isActive(tag: Tag, around: Surroundings): boolean {
  const { name, effects } = tag;
  if ((effects & RUNS) !== 0 || ALWAYS.has(name)) return true;
  if (!isElementName(name)) return false;
  if ((effects & REACHES) !== 0) return true;
  if ((effects & IS_EMPTY_LINK) !== 0 && (name === 'a' || name === 'area')) return true;
  if ((effects & CLOBBERS) !== 0 && NAMED.has(name)) return true;
  if ((effects & HAS_VALUE) !== 0 && ANY_VALUE.has(name)) return true;
  if (name === 'form') return around.submits();
  return WITH_ATTRIBUTE_OR_END.has(name) && around.hasEnd(name);
}
