/** Whatever numbers the server has of the data set: single ones in a table, histograms as bars. */

import type { JSX } from "react";

export function StatisticsTable({ statistics }: { statistics: Record<string, unknown> }): JSX.Element {
  const numbers = flat(statistics);
  const histograms = Object.entries(statistics).flatMap(([name, value]) => {
    const bars = barsOf(value);
    const { title = spaced(name), label = same } = FIGURES[name] ?? {};
    return bars ? [{ title, bars: bars.map(([key, count]): Bar => [label(key), count]) }] : [];
  });
  return (
    <>
      <table>
        <tbody>
          {numbers.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{Number.isInteger(value) ? value : value.toFixed(3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="histograms">
        {histograms.map(({ title, bars }) => (
          <Histogram key={title} name={title} bars={bars} />
        ))}
      </div>
    </>
  );
}

type Bar = readonly [label: string, count: number];

/** What a histogram counts, and what stands under its bars; ten levels, and 6 for all above, as the server counts. */
const FIGURES: Record<string, { readonly title: string; readonly label?: (key: string) => string }> = {
  photos_by_objects: { title: "photos, by how many objects they have" },
  occlusion_levels: {
    title: "occluded objects, by the share that is hidden: up to … %",
    label: (key) => `${10 * (Number(key) + 1)}`,
  },
  match_numbers: { title: "objects, by how many others overlap them", label: sixAndMore },
  occlusion_orders: { title: "clusters, by how many of their objects are occluded", label: sixAndMore },
  cluster_sizes: { title: "clusters, by how many objects they have" },
};

function sixAndMore(key: string): string {
  return key === "6" ? "6+" : key;
}

function same(key: string): string {
  return key;
}

function Histogram({ name, bars }: { name: string; bars: readonly Bar[] }): JSX.Element {
  const most = Math.max(...bars.map(([, count]) => count), 1e-9);
  const words = bars.map(([label, count]) => `${label}: ${count}`).join(", ");
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <svg
        viewBox={`0 0 ${bars.length * 24} 90`}
        width={bars.length * 24}
        height={90}
        role="img"
        aria-label={words}
      >
        {bars.map(([label, count], place) => (
          <g key={label}>
            <rect x={place * 24 + 3} y={70 - (60 * count) / most} width={18} height={(60 * count) / most} />
            <text x={place * 24 + 12} y={84} textAnchor="middle">
              {label}
            </text>
          </g>
        ))}
      </svg>
    </figure>
  );
}

function flat(value: Record<string, unknown>, before = ""): [string, number][] {
  return Object.entries(value).flatMap(([name, one]): [string, number][] => {
    const whole = before ? `${before}, ${spaced(name)}` : spaced(name);
    if (typeof one === "number") return [[whole, one]];
    if (one && typeof one === "object" && !Array.isArray(one) && !barsOf(one)) {
      return flat(one as Record<string, unknown>, whole);
    }
    return [];
  });
}

/** A list of numbers, or numbers under numbers: a histogram. */
function barsOf(value: unknown): Bar[] | undefined {
  if (!value || typeof value !== "object") return undefined;
  const entries = Object.entries(value);
  const counts = entries.length > 1 && entries.every(([, count]) => typeof count === "number");
  return counts && entries.every(([name]) => /^[\d.–-]+$/.test(name)) ? (entries as Bar[]) : undefined;
}

function spaced(name: string): string {
  return name.replaceAll("_", " ");
}
