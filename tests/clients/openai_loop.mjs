// The smallest agent on the official openai SDK for JavaScript; openai_loop.py says what it does and prints.
//   node openai_loop.mjs BASE_URL MODEL FOLDER stream|alternate     (OPENAI_SDK: the folder that holds node_modules)
import { execSync } from "node:child_process"
import fs from "node:fs"
import { createRequire } from "node:module"

const [baseURL, model, folder, mode] = process.argv.slice(2)
const { default: OpenAI } = createRequire(process.env.OPENAI_SDK + "/")("openai")
const MAX_TURNS = 200

const tools = {
  read_file: { names: ["path"], call: ({ path }) => fs.readFileSync(path, "utf8") },
  write_file: { names: ["path", "content"], call: ({ path, content }) => (fs.writeFileSync(path, content), "written") },
  run: { names: ["command"], call: ({ command }) => execSync(command).toString() || "done" },
}

const described = Object.entries(tools).map(([name, { names }]) => ({
  type: "function",
  function: {
    name,
    description: name,
    strict: true,
    parameters: {
      type: "object",
      properties: Object.fromEntries(names.map((one) => [one, { type: "string" }])),
      required: names,
      additionalProperties: false,
    },
  },
}))

const client = new OpenAI({ baseURL, maxRetries: 0, timeout: 120_000 })
const messages = [{ role: "user", content: `Read ${folder}/input.txt and write the files it asks for.` }]

async function ask(stream) {
  const request = { model, messages, tools: described }
  if (!stream) return client.chat.completions.create(request)
  return client.chat.completions.stream({ ...request, stream_options: { include_usage: true } }).finalChatCompletion()
}

let over = false
for (let turn = 0; turn < MAX_TURNS && !over; turn++) {
  const answer = await ask(mode === "stream" || turn % 2 === 0)
  const { message, finish_reason: finish } = answer.choices[0]
  const calls = message.tool_calls ?? []
  const tokens = answer.usage?.total_tokens ?? null
  console.log(JSON.stringify({ turn, finish, calls: calls.length, tokens, said: message.content }))
  over = calls.length === 0
  if (over) break
  messages.push({
    role: "assistant",
    content: message.content,
    tool_calls: calls.map(({ id, function: { name, arguments: given } }) => ({
      id,
      type: "function",
      function: { name, arguments: given },
    })),
  })
  for (const { id, function: { name, arguments: given } } of calls) {
    messages.push({ role: "tool", tool_call_id: id, content: tools[name].call(JSON.parse(given)) })
  }
}
process.exitCode = over ? 0 : 1
