// A picture with its table: eyes get the drawing, screen readers get the numbers.
import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';

export interface FigureProps {
  title: string;
  note?: string;
  size?: 'half' | 'third' | 'two-thirds' | 'full';
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
  children: ComponentChildren;
}

export function Figure({ title, note, size = 'full', columns, rows, children }: FigureProps): JSX.Element {
  const id = useId();
  return (
    <section class={`sheet figure ${size}`} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <div aria-hidden="true">{children}</div>
      {note && <p class="figure-note">{note}</p>}
      <div class="visually-hidden">
        <table aria-labelledby={id}>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([head, ...cells]) => (
              <tr key={head}>
                <th scope="row">{head}</th>
                {cells.map((cell, index) => (
                  <td key={columns[index + 1]}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
