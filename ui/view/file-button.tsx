import { format, formatIds } from '@pixelflow/core/format'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'

/** Opens the file dialog for pictures the server reads. */
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
          // The same file may be chosen again after it was changed.
          event.currentTarget.value = ''
        }}
      />
      <Icon name="picture" />
      <span class="file-button-text">{label}</span>
    </label>
  )
}
