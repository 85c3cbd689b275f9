import { useEffect } from 'preact/hooks'
import { useSignal, type ReadonlySignal } from '@preact/signals'

/** Accepts files dropped or pasted anywhere on the page; true while files are dragged over it. */
export function useFileDrop(onFiles: (files: readonly File[]) => void): ReadonlySignal<boolean> {
  const isOver = useSignal(false)

  useEffect(() => {
    // Entering a child fires `dragleave` on its parent, so a counter decides whether the page was left.
    let depth = 0
    const stop = new AbortController()
    const on = <K extends keyof DocumentEventMap>(name: K, heard: (event: DocumentEventMap[K]) => void) =>
      document.addEventListener(name, heard, { signal: stop.signal })
    const bringsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true

    on('dragenter', (event) => {
      if (!bringsFiles(event)) return
      depth += 1
      isOver.value = true
    })
    on('dragleave', (event) => {
      if (!bringsFiles(event)) return
      depth -= 1
      isOver.value = depth > 0
    })
    on('dragover', (event) => {
      if (!bringsFiles(event) || event.dataTransfer === null) return
      event.preventDefault()
      event.dataTransfer.dropEffect = 'copy'
    })
    on('drop', (event) => {
      depth = 0
      isOver.value = false
      if (!bringsFiles(event)) return
      event.preventDefault()
      onFiles([...(event.dataTransfer?.files ?? [])])
    })
    on('paste', (event) => {
      const files = [...(event.clipboardData?.files ?? [])]
      if (files.length === 0) return
      event.preventDefault()
      onFiles(files)
    })
    return () => stop.abort()
  }, [])

  return isOver
}
