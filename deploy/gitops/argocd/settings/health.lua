-- Argo CD's health of a ChatCluster. docs/gitops.md tells how it gets there.
-- What counts is Ready, for the generation of the spec that is there now.

local health = { status = "Progressing", message = "Waiting for the operator" }

if obj.spec ~= nil and obj.spec.paused then
  health.status = "Suspended"
  health.message = "Paused: the operator changes nothing"
  return health
end

if obj.status == nil or obj.status.conditions == nil then
  return health
end

local generation = obj.metadata.generation
local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  -- What was said of an earlier spec is no news.
  if generation == nil or condition.observedGeneration == nil or condition.observedGeneration == generation then
    conditions[condition.type] = condition
  end
end

local function is(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

local function said(name)
  local condition = conditions[name]
  if condition.message ~= nil and condition.message ~= "" then
    return condition.message
  end
  return condition.reason or name
end

if is("Ready") then
  health.status = "Healthy"
  health.message = said("Ready")
elseif is("Degraded") then
  health.status = "Degraded"
  health.message = said("Degraded")
elseif is("Progressing") then
  health.message = said("Progressing")
elseif conditions["Ready"] ~= nil and conditions["Ready"].status == "False" then
  -- Nothing is on its way, and it does not serve: a spec that can't be, or something that is missing.
  health.status = "Degraded"
  health.message = said("Ready")
end

return health
