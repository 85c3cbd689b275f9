/**
 * Whether If-None-Match lists the ETag, by weak comparison (RFC 9110 §13.1.2): `W/"a"` matches `"a"`. False without the
 * header and for a header that is not a list of ETags.
 */
export function matchesWeakly(header: string | null, etag: string): boolean {
  return matches(header, (tag) => opaqueOf(tag) === opaqueOf(etag))
}

/** Whether If-Match lists the ETag, by strong comparison (RFC 9110 §13.1.1): a weak ETag never matches. */
export function matchesStrongly(header: string | null, etag: string): boolean {
  return matches(header, (tag) => tag === etag && !tag.startsWith('W/'))
}

function matches(header: string | null, isSame: (tag: string) => boolean): boolean {
  if (header === null) return false
  if (header.trim() === '*') return true
  return tagsOf(header).some(isSame)
}

/** One element of a list (RFC 9110 §5.6.1), which may be empty. An ETag may contain commas. */
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
