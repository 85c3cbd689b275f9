const storageKey = 'pixelflow.names'
const most = 100

/**
 * What files were called on this machine, by image id. The server keeps bytes, not names; this way a download is called
 * after its file even when the page was loaded anew. At most 100, the oldest go first.
 */
export interface FileNames {
  of(imageId: string): string | undefined
  remember(imageId: string, name: string): void
}

export function createFileNames(storage: Storage): FileNames {
  const read = (): [string, string][] => {
    try {
      const kept: unknown = JSON.parse(storage.getItem(storageKey) ?? '[]')
      return Array.isArray(kept) ? (kept as [string, string][]) : []
    } catch {
      return []
    }
  }
  return {
    of: (imageId) => read().find(([id]) => id === imageId)?.[1],
    remember(imageId, name) {
      const others = read().filter(([id]) => id !== imageId)
      storage.setItem(storageKey, JSON.stringify([...others, [imageId, name]].slice(-most)))
    },
  }
}
