export default {
  input: 'src/app.jsx',
  platform: 'browser',
  transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  output: { file: 'dist/app.js' },
};
