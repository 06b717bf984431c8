-- Sends as many requests a second as RATE says, whatever the answers do, with random gaps as of many independent
-- clients (exponential). All connections take their turns from one schedule; there must be enough of them that one is
-- always free. wrk's timers count milliseconds: what is rounded off averages out, since the schedule itself is exact.
dofile(os.getenv("LUA_DIRECTORY") .. "/summary.lua")

local ffi = require("ffi")
ffi.cdef [[
    struct moment { long seconds; long nanoseconds; };
    int clock_gettime(int clock, struct moment *now);
]]

local monotonic = 1
local moment = ffi.new("struct moment")
local function milliseconds()
    ffi.C.clock_gettime(monotonic, moment)
    return tonumber(moment.seconds) * 1e3 + tonumber(moment.nanoseconds) / 1e6
end

local gap = 1e3 / tonumber(os.getenv("RATE"))
local turn

function init()
    math.randomseed(tonumber(os.getenv("SEED")))
end

function delay()
    local now = milliseconds()
    turn = (turn or now) - gap * math.log(1 - math.random())
    return math.max(0, math.floor(turn - now + 0.5))
end
