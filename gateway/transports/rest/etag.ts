/**
 * Whether If-None-Match names the tag of what is there: weak comparison (RFC 9110 §13.1.2), so `W/"a"` matches `"a"`.
 * False for no header and for one that is not a list of tags.
 */
export function matchesWeakly(header: string | null, etag: string): boolean {
  return matches(header, (tag) => opaqueOf(tag) === opaqueOf(etag))
}

/** Whether If-Match names it: strong comparison (RFC 9110 §13.1.1), so a weak tag never matches. */
export function matchesStrongly(header: string | null, etag: string): boolean {
  return matches(header, (tag) => tag === etag && !tag.startsWith('W/'))
}

function matches(header: string | null, isSame: (tag: string) => boolean): boolean {
  if (header === null) return false
  if (header.trim() === '*') return true
  return tagsOf(header).some(isSame)
}

/** One member of a list (RFC 9110 §5.6.1), which may be empty. A tag may hold commas. */
const member = /[ \t]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")?[ \t]*(?:,|$)/y

function tagsOf(header: string): readonly string[] {
  const tags: string[] = []
  for (member.lastIndex = 0; member.lastIndex < header.length;) {
    const found = member.exec(header)
    if (!found) return []
    if (found[1] !== undefined) tags.push(found[1])
  }
  return tags
}

function opaqueOf(tag: string): string {
  return tag.replace(/^W\//, '')
}
