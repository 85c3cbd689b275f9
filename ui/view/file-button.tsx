import { format, formatIds } from '@pixelflow/core/format'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'

/** Opens the file dialog for the formats that the server reads. */
export function FileButton({ label, main = false }: { label: string; main?: boolean }) {
  const { pick, server } = useApp()
  const accepted = (server.settings.value?.formats ?? formatIds).flatMap((id) => [
    format(id).mediaType,
    ...format(id).extensions.map((one) => `.${one}`),
  ])
  return (
    <label class={main ? 'button button-main button-large file-button' : 'button button-small file-button'}>
      <input
        class="visually-hidden"
        type="file"
        accept={accepted.join(',')}
        onChange={(event) => {
          pick([...(event.currentTarget.files ?? [])])
          // Without this, choosing the same file again after a change fires no event.
          event.currentTarget.value = ''
        }}
      />
      <Icon name="picture" />
      <span class="file-button-text">{label}</span>
    </label>
  )
}
