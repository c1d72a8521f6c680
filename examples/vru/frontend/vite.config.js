import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `npm run dev` serves the page from here and asks a backend that runs on this machine.
const backend = process.env.BACKEND_URL || 'http://localhost:8000'

export default defineConfig({
  plugins: [react()],
  server: { port: 3000, proxy: { '/api': backend, '/health': backend } }
})
