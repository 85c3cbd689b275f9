import { useRef } from 'preact/hooks'
import { useComputed, useSignal } from '@preact/signals'
import { cliCall, curlCall, type CallSubject } from '../recipe/calls.ts'
import { plannedFileName } from '../recipe/result-name.ts'
import { resultFileName } from '../text/names.ts'
import { useApp } from './context.ts'
import { CopyButton } from './copy-button.tsx'
import { Tabs } from './tabs.tsx'

/** The same task as terminal commands to copy. */
export function Calls() {
  const chosen = useSignal<'curl' | 'cli'>('curl')
  const kept = useRef<CallSubject | null>(null)
  // While the recipe is invalid, the commands of the last valid one stay.
  const subject = useCallSubject() ?? kept.current
  kept.current = subject
  if (subject === null) return null
  const text = chosen.value === 'curl' ? curlCall(subject) : cliCall(subject)
  return (
    <section class="panel calls" aria-labelledby="calls-title">
      <div class="panel-head">
        <h2 id="calls-title">From a terminal</h2>
        <Tabs
          label="Client"
          options={[
            ['curl', 'curl'],
            ['cli', 'CLI'],
          ]}
          chosen={chosen.value}
          onChoose={(next) => (chosen.value = next)}
        />
        <CopyButton text={text} label="the call" />
      </div>
      {/* Focusable, so that the keyboard can scroll wide content. */}
      <pre class="code" tabIndex={0} aria-label="Command">
        {text}
      </pre>
    </section>
  )
}

function useCallSubject(): CallSubject | null {
  const { recipes, sources, run, server } = useApp()
  return useComputed(() => {
    const recipe = recipes.ready.value
    if (recipe === null) return null
    const source = sources.current.value
    const fileName = source?.name ?? 'photo.jpg'
    return {
      origin: location.origin,
      fileName,
      recipe: recipe.text ?? JSON.stringify(recipe.body),
      needsToken: server.needsToken.value,
      results: run.results.value.map(({ output }) => ({
        href: output.href,
        fileName: resultFileName(fileName, output),
      })),
      resultName: plannedFileName(recipe.body, fileName, source?.format ?? 'jpeg'),
    }
  }).value
}
