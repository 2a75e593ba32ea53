// Building elements without markup: text is always text.

type Child = Node | string;

/** A new element of a class, with children. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** A new SVG element with attributes. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string> = {},
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** A push button; `hint` is its tooltip. */
export function button(label: string, press: () => void, options: { className?: string; hint?: string } = {}): HTMLButtonElement {
  const element = el("button", options.className, label);
  element.type = "button";
  if (options.hint) element.title = options.hint;
  element.addEventListener("click", press);
  return element;
}

/** Sets the text where it differs: writing the same text would still cost a layout. */
export function setText(element: HTMLElement, text: string): void {
  const only = element.firstChild;
  if (only instanceof Text && only === element.lastChild) {
    if (only.data !== text) only.data = text;
  } else if (only || text) {
    element.textContent = text;
  }
}

/** Characters at the end of a name, half of it at most, that are shown before others: a kind of file, and a line. */
const NAME_END = 12;

/** Sets a name that is cut in its middle where room is short (base.css, .cut-name): its end tells it from others, as its beginning does. */
export function setName(element: HTMLElement, name: string): void {
  if (element.dataset.name === name) return;
  element.dataset.name = name;
  element.classList.add("cut-name");
  const at = Math.max(Math.floor(name.length / 2), name.length - NAME_END);
  element.replaceChildren(el("span", at > 4 ? "start long" : "start", name.slice(0, at)), el("span", "", name.slice(at)));
}

export function setHidden(element: HTMLElement, hidden: boolean): void {
  if (element.hidden !== hidden) element.hidden = hidden;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** The page's element of this id, which its HTML must have. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}`);
  return element;
}
