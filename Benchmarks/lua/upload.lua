-- POSTs as many bytes as UPLOAD says.
dofile(os.getenv("LUA_DIRECTORY") .. "/summary.lua")

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("0123456789abcdef", tonumber(os.getenv("UPLOAD")) / 16)
