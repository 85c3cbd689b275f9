import { useEffect, useId, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { useApp } from './use-app.ts'

/** Asks for the token when the server requires one; calls that failed without it are then repeated. */
export function TokenDialog() {
  const { credentials } = useApp()
  const dialog = useRef<HTMLDialogElement>(null)
  const typed = useSignal('')
  const id = useId()
  const prompt = credentials.prompt.value

  useEffect(() => {
    if (prompt !== null && dialog.current?.open === false) dialog.current.showModal()
    if (prompt === null) dialog.current?.close()
  }, [prompt])

  function answer(event: SubmitEvent): void {
    event.preventDefault()
    const token = typed.value.trim()
    if (token === '') return
    typed.value = ''
    credentials.answer(token)
  }

  return (
    <dialog
      class="dialog"
      ref={dialog}
      aria-labelledby={`${id}-title`}
      onCancel={() => credentials.answer(null)}
    >
      <form class="dialog-form" onSubmit={answer}>
        <h2 id={`${id}-title`}>Enter an access token</h2>
        <p class="muted">The token is kept until this tab is closed.</p>
        <label class="label" for={id}>
          Token
        </label>
        <input
          id={id}
          class="input"
          type="password"
          autocomplete="off"
          autofocus
          spellcheck={false}
          aria-describedby={`${id}-refused`}
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
        <p id={`${id}-refused`} class="field-problem" role="status">
          {prompt?.isRefused === true ? 'Invalid token. Check it for missing characters.' : ''}
        </p>
        <div class="dialog-actions">
          <button type="button" class="button button-quiet" onClick={() => credentials.answer(null)}>
            Not now
          </button>
          <button type="submit" class="button button-main">
            Use token
          </button>
        </div>
      </form>
    </dialog>
  )
}
