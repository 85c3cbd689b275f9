/** An event of a finished event stream. */
export interface StreamedEvent {
  readonly id: string
  readonly kind: string
  readonly data: {
    readonly task: { readonly outputs: readonly { readonly href: string; readonly sha256: string }[] }
  }
}

/** The events of a whole stream of server-sent events; none of a failed request. Heartbeats have no id and are left out. */
export function parseEvents(body: string | null): StreamedEvent[] {
  return (body ?? '').split('\n\n').flatMap((block) => {
    const id = fieldOf(block, 'id')
    if (id === undefined) return []
    return [{ id, kind: fieldOf(block, 'event') ?? '', data: JSON.parse(fieldOf(block, 'data') ?? '{}') }]
  })
}

function fieldOf(block: string, name: string): string | undefined {
  return new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1]
}
