/** A reading of the water gauge under the bridge. */
export interface Reading {
  readonly at: Date;
  readonly centimetres: number;
  readonly trusted: boolean;
}

type Trend = "rising" | "falling" | "standing still";

/** Compare the mean of the last three readings with the three before. */
export function trend(readings: readonly Reading[]): Trend {
  const trusted = readings.filter((reading) => reading.trusted);
  const mean = (part: readonly Reading[]): number =>
    part.reduce((sum, { centimetres }) => sum + centimetres, 0) / part.length;
  const change = mean(trusted.slice(-3)) - mean(trusted.slice(-6, -3));
  // Ripples of a passing barge must not count as a flood.
  if (Math.abs(change) < 4) return "standing still";
  return change > 0 ? "rising" : "falling";
}
