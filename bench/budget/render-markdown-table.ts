/** A table in Markdown, padded. Columns of numbers are aligned to the right. */
export function renderMarkdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, at) => Math.max(3, name.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const isNumeric = head.map((_, at) => rows.every((row) => /^(-?\d|$)/.test(row[at] ?? '')))
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (isNumeric[at] !== true ? (cells[at] ?? '').padEnd(width) : (cells[at] ?? '').padStart(width))).join(' | ')} |`
  const rule = widths.map((width, at) =>
    isNumeric[at] !== true ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}
