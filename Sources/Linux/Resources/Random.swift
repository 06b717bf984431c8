import CLinux
import Glibc

/// The kernel's random numbers (getrandom(2)), fit for secrets.
package enum Random {
    /// Fills `words`, 32 of them at most: so many the kernel gives whole, without waiting once it has started.
    package static func fill(_ words: inout MutableSpan<UInt64>) {
        precondition(words.count <= 32, "more than one call gives")
        // Sound: the kernel writes within the bytes it is given.
        let got = unsafe words.withUnsafeMutableBytes { unsafe getrandom($0.baseAddress, $0.count, 0) }
        precondition(got == words.count * 8, "the kernel gives up to 256 bytes whole (getrandom(2))")
    }
}
