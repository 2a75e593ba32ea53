// A small time chart over uPlot: fills its box, takes its colours from the theme, tells its figures in a legend of its own:
// their means, or those under the pointer.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { el, setText } from "../shared/dom";
import { ticks } from "../shared/format";
import { themeColour } from "../shared/theme";
import type { Columns } from "./series";

export interface ChartSeries {
  label: string;
  /** The theme's colour, a CSS variable. */
  colour: string;
  /** Its figure at a point, which is not its height where it stands on another. */
  value: (columns: Columns, index: number) => number | null;
  format: (value: number | null) => string;
  /** Which scale: the left one, or shares of 0 to 1 at the right. */
  scale?: "left" | "share";
  stepped?: boolean;
  /** Fill down to the series before it: a stack of edges. */
  stacked?: boolean;
  /** Whole numbers only. */
  whole?: boolean;
}

const FONT_SIZE = 10.5;
const FILL_OPACITY = 0.4;

/** A colour as `color(...)` or `rgb(...)`, made see-through. */
const faded = (colour: string, share: number): string => `color-mix(in srgb, ${colour} ${share * 100}%, transparent)`;

const LEAST_AXIS_PX = 30;
const DIGIT_PX = 6.4;
/** Right of the last tick, whose label is centred under it: "0.225 s". */
const HALF_LABEL_PX = 22;

/** Room for an axis's labels. */
const widthOf = (_: uPlot, labels: readonly string[] | null): number =>
  Math.max(LEAST_AXIS_PX, Math.ceil(10 + DIGIT_PX * Math.max(0, ...(labels ?? []).map((label) => label.length))));

const labels = (unit: string) => (_: uPlot, values: number[], _axis: number, _space: number, step: number): string[] => ticks(values, step, unit);

export class Chart {
  readonly element: HTMLElement;
  private readonly box = el("div", "plot");
  private readonly values: HTMLElement[];
  private plot: uPlot | null = null;
  private columns: Columns = [[]];
  private hovered: number | null = null;

  constructor(
    title: string,
    private readonly unit: string,
    private readonly series: ChartSeries[],
  ) {
    this.values = series.map(() => el("b"));
    const legend = series.map(({ label }, index) => el("span", `key key-${index}`, el("i"), `${label} `, this.values[index]!));
    legend.forEach((key, index) => key.style.setProperty("--key", `var(${series[index]!.colour})`));
    this.element = el("section", "chart", el("div", "caption", el("h2", "", title), ...legend), this.box);
    new ResizeObserver(() => this.resize()).observe(this.box);
  }

  draw(columns: Columns): void {
    this.columns = columns;
    if (!this.plot) this.build();
    else this.plot.setData(columns);
    this.drawValues();
  }

  /** Draws anew in the theme's colours. */
  repaint(): void {
    this.plot?.destroy();
    this.plot = null;
    this.build();
  }

  private build(): void {
    const { width, height } = this.size();
    if (width < 40 || height < 40) return;
    this.plot = new uPlot(this.options(width, height), this.columns, this.box);
  }

  private size(): { width: number; height: number } {
    return { width: this.box.clientWidth, height: this.box.clientHeight };
  }

  private resize(): void {
    if (!this.plot) return this.build();
    const size = this.size();
    if (size.width >= 40 && size.height >= 40) this.plot.setSize(size);
  }

  private drawValues(): void {
    const { columns, hovered } = this;
    const points = hovered === null ? columns[0].map((_, index) => index) : [hovered];
    for (const [at, { value, format }] of this.series.entries()) {
      const values = points.flatMap((index) => value(columns, index) ?? []);
      setText(this.values[at]!, format(values.length > 0 ? values.reduce((sum, one) => sum + one, 0) / values.length : null));
    }
  }

  private options(width: number, height: number): uPlot.Options {
    const text = themeColour("--dim");
    const grid = { stroke: faded(themeColour("--fg"), 0.09), width: 1 };
    const axis = { stroke: text, grid, ticks: { show: false }, font: `${FONT_SIZE}px ${getComputedStyle(document.body).fontFamily}`, gap: 4 };
    const left = { ...axis, scale: "left", size: widthOf, space: 28, values: labels(this.unit) };
    const share = { ...axis, scale: "share", side: 1, size: 40, space: 28, grid: { show: false }, values: (_: uPlot, shares: number[]) => shares.map((v) => `${Math.round(v * 100)} %`) };
    const whole = this.series.some((series) => series.whole) ? { incrs: [1, 2, 5, 10] } : {};
    const shares = this.series.some(({ scale }) => scale === "share");
    return {
      width,
      height,
      legend: { show: false },
      padding: [6, shares ? 0 : HALF_LABEL_PX, 0, 0],
      scales: { x: { time: false }, left: { range: (_, __, max) => [0, Math.max(max * 1.12, 0.001)] }, ...(shares ? { share: { range: [0, 1] } } : {}) },
      axes: [{ ...axis, size: 20, space: 60, values: labels(" s") }, { ...left, ...whole }, ...(shares ? [share] : [])],
      series: [{}, ...this.series.map((series, index) => this.line(series, index))],
      bands: this.series.flatMap(({ stacked, colour }, index) =>
        stacked && index > 0 ? [{ series: [index + 1, index] as [number, number], fill: faded(themeColour(colour), FILL_OPACITY) }] : [],
      ),
      cursor: { points: { size: 5 }, drag: { x: false, y: false }, y: false },
      hooks: { setCursor: [(plot) => this.hover(plot.cursor.idx ?? null)] },
    };
  }

  private line({ scale = "left", colour, stepped, stacked }: ChartSeries, index: number): uPlot.Series {
    const stroke = themeColour(colour);
    return {
      scale,
      stroke,
      width: 1.25,
      points: { show: false },
      ...(stepped ? { paths: uPlot.paths.stepped!({ align: -1 }) } : {}),
      ...(stacked && index === 0 ? { fill: faded(stroke, FILL_OPACITY) } : {}),
    };
  }

  private hover(index: number | null): void {
    if (index === this.hovered) return;
    this.hovered = index;
    this.drawValues();
  }
}
