import './no-eval.ts'
import { render } from 'preact'
import { createApp } from './app/app.ts'
import { AppProvider } from './view/context.ts'
import { Page } from './view/page.tsx'
import './styles/index.css'

const place = document.getElementById('app')
if (place === null) throw new Error('index.html has lost its #app.')
render(
  <AppProvider value={createApp(window)}>
    <Page />
  </AppProvider>,
  place,
)
