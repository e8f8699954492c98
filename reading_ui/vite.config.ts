/**
 * How the reading UI is built: one shell for everybody, the two viewers as chunks that load when a study opens.
 *
 * Chrome 109 is the last browser for Windows 7, which clinics still run.
 */
import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const gateway = process.env.READING_GATEWAY_DEV_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: {
      // vtk.js pulls in an XML writer that needs Node's "events" and dies in a browser; no DICOM path uses it.
      xmlbuilder2: fileURLToPath(new URL('src/image_viewer/xml_stub.ts', import.meta.url)),
    },
  },
  worker: { format: 'es' },
  build: {
    target: 'chrome109',
    manifest: 'manifest.json',
    sourcemap: false,
    chunkSizeWarningLimit: 4000, // check_size.js holds the real limits
    reportCompressedSize: false,
  },
  optimizeDeps: {
    // Pre-bundling the loader leaves its decode worker hanging without an error.
    exclude: ['@cornerstonejs/dicom-image-loader'],
    include: [
      'dicom-parser',
      'pako',
      'jpeg-lossless-decoder-js',
      '@cornerstonejs/codec-charls/decodewasmjs',
      '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs',
      '@cornerstonejs/codec-openjpeg/decodewasmjs',
      '@cornerstonejs/codec-openjph/wasmjs',
    ],
  },
  server: {
    proxy: Object.fromEntries(['/api', '/dicom-web'].map((path) => [path, { target: gateway }])),
  },
  test: { environment: 'node', include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'tests/**/*.test.ts'] },
});
