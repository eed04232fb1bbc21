"""Links to the page of a service: from its series, and from its row in a table."""

_CHOSEN = "&${letters:queryparam}&${looks:queryparam}&${monitor:queryparam}"
_TERMS = "&${target:queryparam}&${zone:queryparam}&${__url_time_range}"
_PAGE = "/d/uptimed-influxdb-service?${datasource:queryparam}" + _CHOSEN + _TERMS

TO_SERVICE = {
    "One service": _PAGE
    + "&var-client=${__field.labels.client}&var-service=${__field.labels.service}"
}
TO_SERVICE_OF_ROW = {
    "One service": _PAGE
    + "&var-client=${__data.fields.Client}&var-service=${__data.fields.Service}"
}
