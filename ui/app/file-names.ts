const storageKey = 'pixelflow.names'
const maxEntries = 100

/**
 * Local file names by image id. The server stores bytes without names; this list names downloads after the local file,
 * also after a reload of the page. At most 100 entries; the oldest are removed first.
 */
export interface FileNames {
  find(imageId: string): string | undefined
  remember(imageId: string, name: string): void
}

export function createFileNames(storage: Storage): FileNames {
  const read = (): [string, string][] => {
    try {
      const stored: unknown = JSON.parse(storage.getItem(storageKey) ?? '[]')
      return Array.isArray(stored) ? (stored as [string, string][]) : []
    } catch {
      return []
    }
  }
  return {
    find: (imageId) => read().find(([id]) => id === imageId)?.[1],
    remember(imageId, name) {
      const others = read().filter(([id]) => id !== imageId)
      storage.setItem(storageKey, JSON.stringify([...others, [imageId, name]].slice(-maxEntries)))
    },
  }
}
