import { formatOf, formatIds } from '@pixelflow/core/format'
import { useApp } from './use-app.ts'
import { Icon } from './icon.tsx'

/** Opens the file dialog for the formats that the server reads. */
export function FileButton({ label, main = false }: { label: string; main?: boolean }) {
  const { selectFiles, server } = useApp()
  const accepted = (server.settings.value?.formats ?? formatIds).flatMap((id) => [
    formatOf(id).mediaType,
    ...formatOf(id).extensions.map((one) => `.${one}`),
  ])
  return (
    <label class={main ? 'button button-main button-large file-button' : 'button button-small file-button'}>
      <input
        class="visually-hidden"
        type="file"
        accept={accepted.join(',')}
        onChange={(event) => {
          selectFiles([...(event.currentTarget.files ?? [])])
          // Without this, choosing the same file again fires no event.
          event.currentTarget.value = ''
        }}
      />
      <Icon name="image" />
      <span class="file-button-text">{label}</span>
    </label>
  )
}
