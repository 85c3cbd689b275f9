import type { PartReports } from './bench-results.ts'

/** The reports of the parts that were measured. */
export type MeasuredReports = { readonly [Name in keyof PartReports]?: PartReports[Name] }

/** A section of the page, with its pictures by their path in `docs/`. */
export interface PageSection {
  readonly lines: readonly string[]
  readonly pictures: Readonly<Record<string, string>>
}
