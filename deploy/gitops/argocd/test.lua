-- Tests of settings/*.lua: lua deploy/gitops/argocd/test.lua, from the top of the checkout.

local function cluster(conditions, more)
  local object = { metadata = { generation = 2 }, spec = {}, status = { conditions = conditions } }
  for key, value in pairs(more or {}) do
    object[key] = value
  end
  return object
end

local function condition(kind, status, message, generation)
  return { type = kind, status = status, message = message, reason = "Reason", observedGeneration = generation or 2 }
end

local ready = condition("Ready", "True", "2 gateways serve")
local unready = condition("Ready", "False", "Secret chat-keys is missing")

local cases = {
  { "new", { metadata = { generation = 1 }, spec = {} }, "Progressing", "Waiting for the operator" },
  { "no conditions", { metadata = { generation = 1 }, spec = {}, status = {} }, "Progressing", "Waiting for the operator" },
  { "ready", cluster({ ready }), "Healthy", "2 gateways serve" },
  { "ready while it scales", cluster({ ready, condition("Progressing", "True", "scaling") }), "Healthy", "2 gateways serve" },
  { "ready for an earlier spec", cluster({ condition("Ready", "True", "old", 1) }), "Progressing", "Waiting for the operator" },
  { "on its way", cluster({ unready, condition("Progressing", "True", "1 of 2 gateways") }), "Progressing", "1 of 2 gateways" },
  { "degraded", cluster({ unready, condition("Degraded", "True", "no readings") }), "Degraded", "no readings" },
  { "stuck", cluster({ unready, condition("Progressing", "False", "") }), "Degraded", "Secret chat-keys is missing" },
  { "not known yet", cluster({ condition("Ready", "Unknown", "") }), "Progressing", "Waiting for the operator" },
  { "without a message", cluster({ condition("Ready", "True", "") }), "Healthy", "Reason" },
  { "paused", cluster({ ready }, { spec = { paused = true } }), "Suspended", "Paused: the operator changes nothing" },
}

local failed = 0
for _, case in ipairs(cases) do
  obj = case[2]
  local health = dofile("deploy/gitops/argocd/settings/health.lua")
  if health.status ~= case[3] or health.message ~= case[4] then
    failed = failed + 1
    print(case[1] .. ": " .. health.status .. ", " .. health.message)
  end
end

-- An application's own health: that of what it brought.
for _, case in ipairs({
  { {}, "Progressing", "Not looked at yet" },
  { { status = {} }, "Progressing", "Not looked at yet" },
  { { status = { health = { status = "Degraded", message = "no" } } }, "Degraded", "no" },
  { { status = { health = { status = "Healthy" } } }, "Healthy", "" },
}) do
  obj = case[1]
  local health = dofile("deploy/gitops/argocd/settings/application.lua")
  cases[#cases + 1] = case
  if health.status ~= case[2] or health.message ~= case[3] then
    failed = failed + 1
    print("an application: " .. health.status .. ", " .. health.message)
  end
end
print(#cases - failed .. " of " .. #cases .. " cases passed")
if failed > 0 then
  os.exit(1)
end
