/** `['outputs', 'thumb', 'steps', 0, 'width']` → `outputs.thumb.steps[0].width`. */
export function formatField(path: readonly PropertyKey[]): string {
  return path.reduce<string>((field, part) => {
    if (typeof part === 'number') return `${field}[${part}]`
    return field === '' ? String(part) : `${field}.${String(part)}`
  }, '')
}
