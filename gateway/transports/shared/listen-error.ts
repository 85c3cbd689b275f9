export interface ListenAddress {
  readonly host: string
  readonly port: number
  /** Name of the setting of the port. */
  readonly setting: string
}

/** The error for an address that cannot be listened on. */
export function listenError({ host, port, setting }: ListenAddress, cause: unknown): Error {
  const isInUse = (cause as { readonly code?: string }).code === 'EADDRINUSE'
  const why = isInUse ? 'another process uses it' : (cause as Error).message
  const remedy = isInUse ? `Stop that process, or set ${setting} to another port.` : 'Check PIXELFLOW_HOST.'
  return new Error(`Cannot listen on ${host} port ${port}: ${why}. ${remedy}`, { cause })
}
