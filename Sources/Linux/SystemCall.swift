import CLinux
import Glibc

/// Calls the kernel by number, for what the C library has no function for.
///
/// - Returns: what syscall(2) returns: -1 with errno set when it failed.
@inline(never)
internal func systemCall(
    _ number: Int32,
    _ a: Int = 0,
    _ b: Int = 0,
    _ c: Int = 0,
    _ d: Int = 0,
    _ e: Int = 0
) -> Int {
    system_call(Int(number), a, b, c, d, e, 0)
}

/// prctl(2), which is variadic in C.
@inline(never)
internal func processControl(_ option: Int32, _ a: Int = 0, _ b: Int = 0) -> Int {
    systemCall(SYS_prctl, Int(option), a, b)
}

/// Repeats a call as long as a signal interrupts it.
@inline(never)
internal func retrying<Result: SignedInteger>(_ body: () -> Result) -> Result {
    while true {
        let result = body()
        if result != -1 || errno != EINTR { return result }
    }
}
