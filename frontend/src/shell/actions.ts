/** Buttons of the shell say what they do: `<button data-action="theme">`. */
const actions = new Map<string, (button: HTMLElement) => void>();
let listening = false;

export function onAction(name: string, act: (button: HTMLElement) => void): void {
  actions.set(name, act);
  if (listening) return;
  listening = true;
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-action]");
    const act = button && actions.get(button.dataset["action"]!);
    if (!button || !act) return;
    event.preventDefault();
    act(button);
  });
}
