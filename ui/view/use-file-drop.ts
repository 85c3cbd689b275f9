import { useEffect } from 'preact/hooks'
import { useSignal, type ReadonlySignal } from '@preact/signals'

/** Accepts files dropped or pasted anywhere on the page; true while files are dragged over it. */
export function useFileDrop(onFiles: (files: readonly File[]) => void): ReadonlySignal<boolean> {
  const isOver = useSignal(false)

  useEffect(() => {
    // Entering a child fires `dragleave` on its parent, so a counter decides whether the page was left.
    let depth = 0
    const abortController = new AbortController()
    const listen = <K extends keyof DocumentEventMap>(
      name: K,
      listener: (event: DocumentEventMap[K]) => void,
    ) => document.addEventListener(name, listener, { signal: abortController.signal })
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true

    listen('dragenter', (event) => {
      if (!hasFiles(event)) return
      depth += 1
      isOver.value = true
    })
    listen('dragleave', (event) => {
      if (!hasFiles(event)) return
      depth -= 1
      isOver.value = depth > 0
    })
    listen('dragover', (event) => {
      if (!hasFiles(event) || event.dataTransfer === null) return
      event.preventDefault()
      event.dataTransfer.dropEffect = 'copy'
    })
    listen('drop', (event) => {
      depth = 0
      isOver.value = false
      if (!hasFiles(event)) return
      event.preventDefault()
      onFiles([...(event.dataTransfer?.files ?? [])])
    })
    listen('paste', (event) => {
      const files = [...(event.clipboardData?.files ?? [])]
      if (files.length === 0) return
      event.preventDefault()
      onFiles(files)
    })
    return () => abortController.abort()
  }, [])

  return isOver
}
