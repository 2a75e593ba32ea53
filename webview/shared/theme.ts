// The theme's colours, for what style sheets cannot reach, and news of its change.

/** Calls `changed` when VS Code swaps the theme: it rewrites the body's class and the root's variables. */
export function onThemeChange(changed: () => void): void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "class"] });
  observer.observe(document.body, { attributes: true, attributeFilter: ["class"] });
}

/** The value of a CSS variable on the page's body, resolved to a colour that a canvas takes. */
export function themeColour(variable: string): string {
  const probe = document.createElement("i");
  probe.style.setProperty("color", `var(${variable})`);
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export const prefersReducedMotion = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
