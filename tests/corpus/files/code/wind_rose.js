import { readFile } from 'node:fs/promises';

const NAMES = ['north', 'east', 'south', 'west'];

/**
 * Count how often the wind came from each quarter.
 * Calm minutes (below 0.3 m/s) are left out of the count.
 */
export async function windRose(path, { calm = 0.3 } = {}) {
  const rows = JSON.parse(await readFile(path, 'utf8'));
  const rose = Object.fromEntries(NAMES.map((name) => [name, 0]));
  for (const { degrees, speed } of rows) {
    if (speed < calm) continue;
    rose[NAMES[Math.round(degrees / 90) % 4]] += 1;
  }
  return rose;
}

export function describe(rose) {
  const [best] = Object.entries(rose).sort((a, b) => b[1] - a[1]);
  return best ? `mostly from the ${best[0]}, hold on to your hat` : 'no wind at all today';
}
