import CLinux
import Glibc

/// The kernel's clocks.
package enum Clock {
    /// Nanoseconds since an arbitrary start, never going back (CLOCK_MONOTONIC).
    package static var monotonicNanoseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Nanoseconds since the machine was started, also those in which it slept (CLOCK_BOOTTIME); never going back.
    package static var boottimeNanoseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Microseconds since 1970 (CLOCK_REALTIME); may jump.
    package static var realtimeMicroseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }

    /// Seconds since 1970, by the same clock.
    package static var realtimeSeconds: Int64 { Int64(realtimeMicroseconds / 1_000_000) }
}
