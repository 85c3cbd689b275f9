import type { Style } from './style.ts'

export interface Column {
  /** Heading; a table whose columns have none has no line for them. */
  readonly head?: string
  /** Columns that give way first where a terminal is narrow have the highest number; 0 is never left out. */
  readonly gives: number
}

export interface TableRow {
  readonly cells: readonly string[]
  /** Colours the whole line. */
  readonly paint?: (line: string) => string
}

const gap = '  '

/** Columns of a terminal; undefined for pipes and files, which take lines of any length. */
export function widthOf({ isTTY, columns }: { isTTY?: boolean; columns?: number }): number | undefined {
  return isTTY === true ? columns : undefined
}

/**
 * Lines of a table that fit into `width` columns: whole columns are left out, those that give way first before the
 * others; then the last column is cut. Without a width (a pipe, a file) nothing is left out.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly TableRow[],
  { width, style }: { width: number | undefined; style: Style },
): string[] {
  const hasHeads = columns.some(({ head }) => head !== undefined)
  const widths = columns.map(({ head = '' }, at) =>
    Math.max(head.length, ...rows.map(({ cells }) => cells[at]?.length ?? 0)),
  )
  const kept = fitting(columns, widths, width)
  const line = (cells: readonly string[]) => {
    const text = kept.map((at) => (cells[at] ?? '').padEnd(widths[at] ?? 0)).join(gap)
    return cut(text.trimEnd(), width)
  }
  const heads = hasHeads ? [style.dim(line(columns.map(({ head = '' }) => head)))] : []
  return [...heads, ...rows.map(({ cells, paint = (text) => text }) => paint(line(cells)))]
}

/** Which columns stay, in their order. */
function fitting(
  columns: readonly Column[],
  widths: readonly number[],
  width: number | undefined,
): readonly number[] {
  let kept = columns.map((_, at) => at)
  if (width === undefined) return kept
  const total = () => kept.reduce((sum, at) => sum + (widths[at] ?? 0) + gap.length, -gap.length)
  while (total() > width) {
    const gives = Math.max(...kept.map((at) => columns[at]?.gives ?? 0))
    // What never gives way is cut instead.
    if (gives === 0) break
    kept = kept.filter((at) => columns[at]?.gives !== gives)
  }
  return kept
}

/** A text of at most `width` columns; an ellipsis marks a cut. */
export function cut(text: string, width: number | undefined): string {
  if (width === undefined || text.length <= width) return text
  return `${text.slice(0, Math.max(0, width - 1))}…`
}
