import CLinux
import Glibc

/// How long a thread has a core at a time while others want it, too (sched_setattr(2)). Who asks for short turns gets
/// them sooner, and no more of the core than before: since Linux 6.12 a thread that wakes up takes the core at once from one
/// whose turns are longer, however little that one has had of its own. Before, and for priorities that an operator has set,
/// nothing changes.
extension Thread {
    /// Nanoseconds; Linux grants none below.
    private static let shortTurn: UInt64 = 100_000

    /// `sched_attr` as words of eight bytes: size and policy, flags, nice value and priority, turn, and what other policies
    /// have.
    private static let attributeWords = 6
    private static let turnWord = 3

    private static var attributes: [UInt64]? {
        var words = [UInt64](repeating: 0, count: attributeWords)
        let size = attributeWords * MemoryLayout<UInt64>.size
        let status = unsafe words.withUnsafeMutableBytes { bytes in
            // Sound: the kernel writes at most `size` bytes.
            systemCall(SYS_sched_getattr, 0, Int(bitPattern: bytes.baseAddress), size)
        }
        return status == 0 ? words : nil
    }

    /// The length of the calling thread's turns in nanoseconds; 0 where Linux does not tell.
    package static var turn: UInt64 { attributes?[turnWord] ?? 0 }

    /// Has the calling thread ask for short turns, and those that it starts from then on: for those whose clients wait.
    package static func takeShortTurns() {
        guard var words = attributes, words[0] >> 32 == UInt64(SCHED_OTHER) else { return }
        words[turnWord] = shortTurn
        _ = unsafe words.withUnsafeMutableBytes { bytes in
            // Sound: the kernel reads as many bytes as the first word says, which it wrote itself.
            systemCall(SYS_sched_setattr, 0, Int(bitPattern: bytes.baseAddress), 0)
        }
    }
}
