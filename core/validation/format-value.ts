/** Formats a received value for an error message. */
export function formatValue(value: unknown): string {
  const text =
    typeof value === 'object' && value !== null
      ? Array.isArray(value)
        ? 'a list'
        : 'an object'
      : quoted(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function quoted(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'symbol') return value.description ?? 'another value'
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
