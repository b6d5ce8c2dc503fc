-- An Application's health is that of what it brought. Argo CD has none of its own for Applications, and without one the waves
-- of an application of applications don't wait for each other.

local found = obj.status ~= nil and obj.status.health or nil
if found == nil or found.status == nil then
  return { status = "Progressing", message = "Not looked at yet" }
end
return { status = found.status, message = found.message or "" }
