/**
 * Whether a list of ETags, as in If-Match and If-None-Match, contains the ETag. False without the header and for a header
 * that is not a list of ETags.
 * @param comparison `weak` for If-None-Match (RFC 9110 §13.1.2): `W/"a"` matches `"a"`; `strong` for If-Match (§13.1.1): a
 * weak ETag never matches
 */
export function matchesEtag(header: string | null, etag: string, comparison: 'weak' | 'strong'): boolean {
  if (header === null) return false
  if (header.trim() === '*') return true
  return tagsOf(header).some((tag) =>
    comparison === 'weak' ? opaqueOf(tag) === opaqueOf(etag) : tag === etag && !tag.startsWith('W/'),
  )
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
