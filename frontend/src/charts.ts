/**
 * Charts on pages that have any: `<figure class="chart" data-chart="id of a json script">` with a canvas.
 *
 * JSON: {kind: "bar" | "line" | "donut", labels: [...], series: [{name, values, tone?}], unit?, stacked?}. The table beside
 * it is the chart's twin and comes from the server (components/chart.html).
 */
import {
  ArcElement,
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  DoughnutController,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
  type ChartConfiguration,
} from "chart.js";
import { all, json, one } from "./lib/dom";
import { language } from "./lib/texts";

Chart.register(
  ArcElement,
  BarController,
  BarElement,
  CategoryScale,
  DoughnutController,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
);

Chart.defaults.font.family = '"Inter Variable", system-ui, sans-serif';

interface ChartData {
  kind: "bar" | "line" | "donut";
  labels: string[];
  series: { name: string; values: (number | null)[]; tone?: string }[];
  unit?: string;
  stacked?: boolean;
}

const drawn = new Map<HTMLCanvasElement, Chart>();

/** Tokens are `light-dark()` values: the browser resolves them on an element. */
function colour(token: string): string {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const fade = (value: string, share: number) => `color-mix(in srgb, ${value} ${share}%, transparent)`;

function config(data: ChartData): ChartConfiguration {
  const palette = [1, 2, 3, 4, 5, 6].map((n) => colour(`--chart-${n}`));
  const text = colour("--text-2");
  const grid = colour("--line");
  const number = new Intl.NumberFormat(language());
  const say = (value: number) => `${number.format(value)}${data.unit ? ` ${data.unit}` : ""}`;
  const donut = data.kind === "donut";
  const datasets = data.series.map((series, i) => {
    const own = series.tone ? colour(`--${series.tone}-solid`) : palette[i % palette.length]!;
    const slices = donut ? data.labels.map((_, n) => palette[n % palette.length]!) : own;
    return {
      label: series.name,
      data: series.values as number[],
      backgroundColor: data.kind === "line" && data.series.length === 1 ? fade(own, 14) : slices,
      borderColor: donut ? colour("--surface") : own,
      borderWidth: data.kind === "bar" ? 0 : 2,
      borderRadius: data.kind === "bar" ? 4 : 0,
      maxBarThickness: 44,
      fill: data.kind === "line" && data.series.length === 1,
      tension: 0.2,
      pointRadius: data.labels.length > 30 ? 0 : 2.5,
    };
  });
  const axis = { ticks: { color: text, font: { size: 12 } }, border: { display: false } };
  return {
    type: donut ? "doughnut" : data.kind,
    data: { labels: data.labels, datasets: datasets as never },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 260 },
      interaction: { mode: donut ? "nearest" : "index", intersect: donut },
      ...(donut ? { cutout: "64%" } : {}),
      plugins: {
        legend: {
          display: donut || data.series.length > 1,
          position: donut ? "right" : "top",
          align: donut ? "center" : "end",
          labels: { color: text, boxWidth: 10, boxHeight: 10, useBorderRadius: true, borderRadius: 3 },
        },
        tooltip: {
          callbacks: {
            label: (item) => {
              const value = donut ? (item.raw as number) : ((item.parsed as { y: number }).y ?? 0);
              const name = donut ? item.label : item.dataset.label;
              return `${name ? `${name}: ` : ""}${say(value)}`;
            },
          },
        },
      },
      scales: donut
        ? {}
        : {
            x: { ...axis, grid: { display: false }, stacked: !!data.stacked },
            y: {
              ...axis,
              beginAtZero: true,
              grid: { color: grid },
              stacked: !!data.stacked,
              ticks: { ...axis.ticks, maxTicksLimit: 6, callback: (value) => number.format(Number(value)) },
            },
          },
    },
  } as ChartConfiguration;
}

function draw(): void {
  for (const [canvas, chart] of drawn)
    if (!canvas.isConnected) {
      chart.destroy();
      drawn.delete(canvas);
    }
  for (const figure of all("[data-chart]")) {
    const canvas = one<HTMLCanvasElement>("canvas", figure);
    const data = json<ChartData>(figure.dataset["chart"]!);
    if (!canvas || !data) continue;
    drawn.get(canvas)?.destroy();
    drawn.set(canvas, new Chart(canvas, config(data)));
  }
}

draw();
document.addEventListener("theme-change", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
document.addEventListener("partials-applied", draw);
addEventListener("beforeprint", () => drawn.forEach((chart) => chart.resize()));
