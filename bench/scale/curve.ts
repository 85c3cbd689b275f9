/** A measurement at several sizes. */
export interface Curve {
  /** Name in file names and options. */
  readonly name: string
  readonly title: string
  /** Name of the size, such as `actors`. */
  readonly size: string
  /** Unit of the values. */
  readonly unit: string
  readonly points: readonly CurvePoint[]
}

export interface CurvePoint {
  readonly size: number
  readonly values: CurveValues
}

/** By name of the line, such as `p50`. */
export type CurveValues = Readonly<Record<string, number>>
