"""The look of the report, on a screen and on paper."""

STYLE = """
:root { color-scheme: light; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: #1c1c1e; background: #fff; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 20px; }
h2 { font-size: 21px; margin: 40px 0 12px; border-bottom: 1px solid #c9c9ce; padding-bottom: 6px; }
h3 { font-size: 17px; margin: 28px 0 8px; }
.facts { margin: 0 0 12px; }
.facts div { display: flex; gap: 16px; padding: 2px 0; }
.facts dt { flex: 0 0 210px; color: #5b5b62; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.result { font-weight: 600; padding: 10px 14px; border-left: 4px solid; }
.good { border-color: #1b7a3d; background: #eef7f1; }
.bad { border-color: #b3261e; background: #fcefee; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; margin: 8px 0 16px; }
th, td { border: 1px solid #d7d7dc; padding: 6px 8px; text-align: start; vertical-align: top; overflow-wrap: anywhere; }
.history td:nth-child(-n+3), th { overflow-wrap: normal; }
th { background: #f3f3f5; }
tr:target, article:target { background: #fff7d6; }
code { font: 12px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
small { color: #5b5b62; }
em { color: #b3261e; font-style: normal; }
bdi { white-space: pre-wrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.45 ui-monospace, monospace; background: #f7f7f8;
  border: 1px solid #d7d7dc; padding: 14px; margin: 0 0 16px; }
a { color: #0b57d0; }
@page { size: A4 landscape; margin: 14mm; }
@media print {
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  table { font-size: 8pt; }
  code { font-size: 7pt; }
  thead { display: table-header-group; }
  tr, .facts div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .text { break-before: page; }
  .wide { overflow: visible; }
  a { color: inherit; text-decoration: none; }
}
"""
