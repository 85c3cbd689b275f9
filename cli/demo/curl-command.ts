import type { CertificateFiles } from '../client/certificates.ts'

/** A curl command that uploads an image and creates a task. */
export function curlCommand(
  url: string,
  file: string,
  recipe: string,
  { token, ca, cert, key }: CertificateFiles & { token: boolean },
): string {
  const certificates = Object.entries(url.startsWith('https:') ? { cacert: ca, cert, key } : {})
  const certificateFlags = certificates.map(([flag, path]) =>
    path === undefined ? '' : `--${flag} ${quoted(path)} `,
  )
  const authorization = token ? `-H "authorization: Bearer $PIXELFLOW_TOKEN" ` : ''
  return `curl ${certificateFlags.join('')}${authorization}-F recipe='${recipe}' -F file=@${quoted(file)} ${url}/api/v1/tasks`
}

function quoted(path: string): string {
  return /^[\w./@%+,:-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
