/** The usual spelling of a format: `jpeg` → `JPEG`, `webp` → `WebP`. */
export function displayFormat(id: string): string {
  return id === 'webp' ? 'WebP' : id.toUpperCase()
}
