import type { Style } from './style.ts'

export interface Column {
  /** Heading. A table without headings has no heading line. */
  readonly head?: string
  /** On a narrow terminal, the columns with the highest number are omitted first; 0 is never omitted. */
  readonly omitOrder: number
}

export interface TableRow {
  readonly cells: readonly string[]
  /** Colours the whole line. */
  readonly paint?: (line: string) => string
}

const gap = '  '

/** Width of a terminal in columns; undefined for pipes and files, whose lines have any length. */
export function terminalWidth({ isTTY, columns }: { isTTY?: boolean; columns?: number }): number | undefined {
  return isTTY === true ? columns : undefined
}

/**
 * The lines of a table. If they are longer than `width`, omits columns by `omitOrder`, and then cuts the lines. Without a
 * width, omits nothing.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly TableRow[],
  { width, style }: { width: number | undefined; style: Style },
): string[] {
  const hasHeads = columns.some(({ head }) => head !== undefined)
  const widths = columns.map(({ head = '' }, at) =>
    Math.max(head.length, ...rows.map(({ cells }) => cells[at]?.length ?? 0)),
  )
  const kept = fittingColumns(columns, widths, width)
  const line = (cells: readonly string[]) => {
    const text = kept.map((at) => (cells[at] ?? '').padEnd(widths[at] ?? 0)).join(gap)
    return truncate(text.trimEnd(), width)
  }
  const heads = hasHeads ? [style.dim(line(columns.map(({ head = '' }) => head)))] : []
  return [...heads, ...rows.map(({ cells, paint = (text) => text }) => paint(line(cells)))]
}

/** Indices of the columns that fit. */
function fittingColumns(
  columns: readonly Column[],
  widths: readonly number[],
  width: number | undefined,
): readonly number[] {
  let kept = columns.map((_, at) => at)
  if (width === undefined) return kept
  const total = () => kept.reduce((sum, at) => sum + (widths[at] ?? 0) + gap.length, -gap.length)
  while (total() > width) {
    const omitOrder = Math.max(...kept.map((at) => columns[at]?.omitOrder ?? 0))
    // The remaining columns are never omitted; the line is cut.
    if (omitOrder === 0) break
    kept = kept.filter((at) => columns[at]?.omitOrder !== omitOrder)
  }
  return kept
}

/** Cuts a text to at most `width` columns, with an ellipsis. */
export function truncate(text: string, width: number | undefined): string {
  if (width === undefined || text.length <= width) return text
  return `${text.slice(0, Math.max(0, width - 1))}…`
}
