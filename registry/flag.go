package registry

import "slices"

// A Flag marks an entry for people and rules. The list is closed: scripts and
// the screens rely on it; "kancelaria help flags" prints it.
type Flag string

// The flags of reference fixtures and of DESIGN § 4.
const (
	FlagEmailOK             Flag = "email_ok"
	FlagKPA63               Flag = "kpa63_email"
	FlagOP168               Flag = "op168_email"
	FlagNeedsRouting        Flag = "needs_routing"
	FlagNeedsSender         Flag = "needs_sender"
	FlagPossibleDuplicate   Flag = "possible_duplicate"
	FlagRedelivered         Flag = "redelivered"
	FlagIncomplete          Flag = "incomplete"
	FlagMaybeMultiple       Flag = "maybe_multiple"
	FlagForeignMark         Flag = "foreign_mark"
	FlagCaseRef             Flag = "case_ref"
	FlagNotCompetent        Flag = "not_competent"
	FlagSpoofInternal       Flag = "spoof_internal"
	FlagIndividualMailbox   Flag = "individual_mailbox"
	FlagNotScanned          Flag = "not_scanned"
	FlagMalware             Flag = "malware"
	FlagUnsigned            Flag = "unsigned"
	FlagSigned              Flag = "signed"
	FlagSignatureFailed     Flag = "signature_failed"
	FlagSignatureUnchecked  Flag = "signature_unchecked"
	FlagSigPair             Flag = "sig_pair"
	FlagComplaintOnMayor    Flag = "complaint_on_mayor"
	FlagReplyToItem         Flag = "reply_to_item"
	FlagAutoReply           Flag = "auto_reply"
	FlagReceiptUndeliver    Flag = "receipt_undeliverable"
	FlagAd                  Flag = "ad"
	FlagMailingList         Flag = "mailing_list"
	FlagWishes              Flag = "wishes"
	FlagInvoiceKSeF         Flag = "invoice_email_check_ksef"
	FlagPaymentFraud        Flag = "payment_fraud_risk"
	FlagPublishScan         Flag = "publish_scan"
	FlagPersonalDataList    Flag = "personal_data_list"
	FlagPersonalData        Flag = "personal_data"
	FlagMissingAddress      Flag = "missing_address"
	FlagUrgent              Flag = "urgent"
	FlagMinutePrecision     Flag = "minute_precision"
	FlagAssemblyCollision   Flag = "assembly_collision"
	FlagStartOnHandover     Flag = "start_on_handover"
	FlagGDPRRequest         Flag = "gdpr_request"
	FlagRestrictedView      Flag = "restricted_view"
	FlagRestricted          Flag = "restricted"
	FlagAuthority           Flag = "authority"
	FlagEvidenceTime        Flag = "evidence_time"
	FlagEPUAPChannel        Flag = "epuap_channel_check"
	FlagFullMapping         Flag = "full_mapping"
	FlagPartialMapping      Flag = "partial_mapping"
	FlagMappingVersion      Flag = "mapping_version"
	FlagScanFirst           Flag = "scan_first"
	FlagSplit               Flag = "split"
	FlagSealed              Flag = "sealed"
	FlagPostingDate         Flag = "posting_date"
	FlagAppeal              Flag = "appeal"
	FlagPonaglenie          Flag = "ponaglenie"
	FlagLowQuality          Flag = "low_quality"
	FlagCharsetGuessed      Flag = "charset_guessed"
	FlagTNEF                Flag = "tnef"
	FlagEmptySubject        Flag = "empty_subject"
	FlagEncryptedAttachment Flag = "encrypted_attachment"
	FlagEncryptedBody       Flag = "encrypted_body"
	FlagMDNRequested        Flag = "mdn_requested"
	FlagLangEN              Flag = "lang_en"
	FlagYearEdge            Flag = "year_edge"
	FlagLateRegistration    Flag = "late_registration"
	FlagReleased            Flag = "released_from_quarantine"
	FlagPromoted            Flag = "promoted_from_beside"
	FlagIntervention        Flag = "intervention"
	FlagArchiveLimit        Flag = "archive_limit"
	FlagInnerMessage        Flag = "inner_message"
	FlagExecutable          Flag = "executable"
	FlagMacros              Flag = "macros"
	FlagDoubleExtension     Flag = "double_extension"
	FlagRTLName             Flag = "rtl_name"
	FlagTypeMismatch        Flag = "type_mismatch"
	FlagCloudLink           Flag = "cloud_link"
	FlagSpam                Flag = "spam"
	FlagForgedSender        Flag = "forged_sender"
	FlagUnreadable          Flag = "unreadable" // registered bare: nothing of it could be read
	FlagLimitReached        Flag = "limit_reached"
	FlagNoRegisterDeadline  Flag = "deadline_from_letter"
	FlagToComplete          Flag = "to_complete"
	FlagLoop                Flag = "loop"
	FlagClassified          Flag = "classified_marking"
	FlagUnknownCode         Flag = "unknown_code" // a label that looks like ours and names no entry
)

// doubt lists the flags under which a folder does not become a case by itself
// (DESIGN § 4, case): what may turn out to be nothing is not numbered.
var doubt = []Flag{
	FlagNeedsRouting, FlagPossibleDuplicate, FlagKPA63, FlagIncomplete, FlagMaybeMultiple,
	FlagForeignMark, FlagNotCompetent, FlagSpoofInternal, FlagIndividualMailbox, FlagNotScanned,
}

// Doubtful reports whether any flag forbids opening a case at once.
func Doubtful(flags []Flag) bool {
	return slices.ContainsFunc(flags, func(f Flag) bool { return slices.Contains(doubt, f) })
}

// Locked gives the flag that keeps what came with an entry from being opened
// without a word: malware was found in it, or nobody has looked; "" if none
// does. Such files are neither mailed, copied nor previewed.
func Locked(flags []Flag) Flag {
	for _, f := range []Flag{FlagMalware, FlagNotScanned} {
		if slices.Contains(flags, f) {
			return f
		}
	}
	return ""
}

// AddFlags appends those of more that flags lacks, in order.
func AddFlags(flags []Flag, more ...Flag) []Flag {
	for _, f := range more {
		if !slices.Contains(flags, f) {
			flags = append(flags, f)
		}
	}
	return flags
}
