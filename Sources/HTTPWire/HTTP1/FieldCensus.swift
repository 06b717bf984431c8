/// Which well-known fields a head has, and which of them more than once: taken in one walk, so that
/// the rules about single fields need none of their own when the field is not there.
struct FieldCensus {
    private var present: UInt64 = 0
    private var repeated: UInt64 = 0

    init(_ head: MessageHead) {
        for field in head.fields {
            let bit: UInt64 = 1 &<< UInt64(field.known.rawValue)
            repeated |= present & bit
            present |= bit
        }
    }

    func has(_ name: FieldName) -> Bool { present >> UInt64(name.rawValue) & 1 != 0 }
    func repeats(_ name: FieldName) -> Bool { repeated >> UInt64(name.rawValue) & 1 != 0 }
}
