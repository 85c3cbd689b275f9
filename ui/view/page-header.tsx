import { useApp } from './use-app.ts'
import { Icon } from './icon.tsx'
import { Logo } from './logo.tsx'

export function PageHeader() {
  const { server, credentials, theme } = useApp()
  const version = server.settings.value?.version
  const isDark = theme.current.value === 'dark'
  return (
    <header class="page-header">
      <h1 class="brand">
        <Logo />
        <span>PixelFlow</span>
      </h1>
      {version === undefined ? null : <span class="version">{version}</span>}
      <nav class="page-tools" aria-label="Tools">
        <a class="button button-quiet" href="/docs" target="_blank" rel="noopener">
          <Icon name="book" />
          API
        </a>
        {server.needsToken.value ? (
          <button type="button" class="button button-quiet" onClick={credentials.openDialog}>
            <Icon name="key" />
            Token
          </button>
        ) : null}
        <button
          type="button"
          class="button-icon"
          aria-label={isDark ? 'Use the light theme' : 'Use the dark theme'}
          onClick={theme.toggle}
        >
          <Icon name={isDark ? 'sun' : 'moon'} />
        </button>
      </nav>
    </header>
  )
}
